#ifndef VIRIDIAN_CCURL_H
#define VIRIDIAN_CCURL_H

/* Opaque handle types, so that a multi handle is never taken for an easy one. */
#define CURL_STRICTER
#include <curl/curl.h>

/* Swift cannot call variadic functions: one function for each exact argument type. */

static inline CURLcode viridian_curl_set_long(CURL *h, CURLoption o, long v) {
  return (curl_easy_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_set_size(CURL *h, CURLoption o, curl_off_t v) {
  return (curl_easy_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_set_text(CURL *h, CURLoption o, const char *v) {
  return (curl_easy_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_set_pointer(CURL *h, CURLoption o, void *v) {
  return (curl_easy_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_set_list(CURL *h, CURLoption o, struct curl_slist *v) {
  return (curl_easy_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_set_write(CURL *h, CURLoption o, curl_write_callback v) {
  return (curl_easy_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_set_open(CURL *h, curl_opensocket_callback v) {
  return (curl_easy_setopt)(h, CURLOPT_OPENSOCKETFUNCTION, v);
}
static inline CURLcode viridian_curl_get_long(CURL *h, CURLINFO i, long *v) {
  return (curl_easy_getinfo)(h, i, v);
}
static inline CURLMcode viridian_curl_multi_set_long(CURLM *h, CURLMoption o, long v) {
  return (curl_multi_setopt)(h, o, v);
}
static inline CURLcode viridian_curl_global_init(void) {
  return curl_global_init(CURL_GLOBAL_DEFAULT);
}
static inline CURLcode viridian_curl_message_result(const CURLMsg *m) { return m->data.result; }
static inline size_t viridian_curl_pause(void) { return CURL_WRITEFUNC_PAUSE; }
static inline curl_socket_t viridian_curl_bad_socket(void) { return CURL_SOCKET_BAD; }

#endif
