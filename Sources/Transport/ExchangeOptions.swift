import CCurl

/// Writes the options of a request into an easy handle.
struct ExchangeOptions {
  let handle: OpaquePointer
  let request: HTTPRequest

  /// What curl does not take, for people; nil when all is set.
  func apply() -> String? {
    let codes = basics() + security() + times() + payload()
    guard let bad = codes.first(where: { $0 != CURLE_OK }) else { return nil }
    return String(cString: curl_easy_strerror(bad))
  }

  private func basics() -> [CURLcode] {
    var codes = [
      viridian_curl_set_long(handle, CURLOPT_NOSIGNAL, 1),
      viridian_curl_set_text(handle, CURLOPT_URL, request.url),
      // An empty proxy also turns off those of the environment.
      viridian_curl_set_text(handle, CURLOPT_PROXY, request.proxy ?? ""),
      viridian_curl_set_long(handle, CURLOPT_TCP_KEEPALIVE, 1),
    ]
    if request.connectOnly {
      codes.append(viridian_curl_set_long(handle, CURLOPT_CONNECT_ONLY, 1))
    }
    if let path = request.unixSocket {
      codes.append(viridian_curl_set_text(handle, CURLOPT_UNIX_SOCKET_PATH, path))
    }
    return codes
  }

  private func security() -> [CURLcode] {
    let schemes = request.allowedSchemes.map(\.rawValue).sorted().joined(separator: ",")
    var codes = [
      viridian_curl_set_text(handle, CURLOPT_PROTOCOLS_STR, schemes),
      viridian_curl_set_text(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https"),
      viridian_curl_set_long(handle, CURLOPT_FOLLOWLOCATION, request.redirects > 0 ? 1 : 0),
      viridian_curl_set_long(handle, CURLOPT_MAXREDIRS, request.redirects),
    ]
    if let path = request.caFile {
      codes.append(viridian_curl_set_text(handle, CURLOPT_CAINFO, path))
      codes.append(viridian_curl_set_pointer(handle, CURLOPT_CAPATH, nil))
    }
    if let credentials = request.basicCredentials {
      codes.append(viridian_curl_set_long(handle, CURLOPT_HTTPAUTH, 1))  // CURLAUTH_BASIC
      codes.append(viridian_curl_set_text(handle, CURLOPT_USERNAME, credentials.user))
      codes.append(viridian_curl_set_text(handle, CURLOPT_PASSWORD, credentials.password))
    }
    return codes
  }

  private func times() -> [CURLcode] {
    let limits = request.limits
    var codes = [
      viridian_curl_set_long(
        handle, CURLOPT_CONNECTTIMEOUT_MS, max(1, milliseconds(limits.connect))),
      viridian_curl_set_long(
        handle, CURLOPT_TIMEOUT_MS, limits.total.map { max(1, milliseconds($0)) } ?? 0),
    ]
    if let idle = limits.idle {
      codes.append(viridian_curl_set_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1))
      let seconds = max(1, (milliseconds(idle) + 999) / 1000)
      codes.append(viridian_curl_set_long(handle, CURLOPT_LOW_SPEED_TIME, seconds))
    }
    return codes
  }

  private func payload() -> [CURLcode] {
    var codes: [CURLcode] = []
    if let body = request.body {
      codes.append(
        viridian_curl_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
      // A null pointer would make curl read the body from standard input.
      codes.append(
        (body.isEmpty ? [0] : body).withUnsafeBytes {
          viridian_curl_set_pointer(
            handle, CURLOPT_COPYPOSTFIELDS, UnsafeMutableRawPointer(mutating: $0.baseAddress))
        })
    }
    if request.method == "HEAD" {
      codes.append(viridian_curl_set_long(handle, CURLOPT_NOBODY, 1))
    } else {
      codes.append(viridian_curl_set_text(handle, CURLOPT_CUSTOMREQUEST, request.method))
    }
    return codes
  }

  private func milliseconds(_ duration: Duration) -> Int {
    let (seconds, attoseconds) = duration.components
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }
}

extension HTTPRequest {
  /// What would change the request's meaning on the wire; nil when nothing does.
  var problem: String? {
    let texts = [method, url] + headers.flatMap { [$0.name, $0.value] }
    let isClean = texts.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
    guard isClean else { return "control characters in method, URL or header" }
    let isMethod = !method.isEmpty && method.utf8.allSatisfy { $0 >= 0x41 && $0 <= 0x5A }
    guard isMethod else { return "\"\(method)\" is not a method" }
    let scheme = Scheme(rawValue: url.prefix { $0 != ":" }.lowercased())
    guard let scheme, allowedSchemes.contains(scheme) else {
      let names = allowedSchemes.map(\.rawValue).sorted().joined(separator: ", ")
      return "the scheme is not allowed here (allowed: \(names))"
    }
    return nil
  }
}
