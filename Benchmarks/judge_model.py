"""How often the judge must fail a candidate, computed without the judge: an exact recursion, other
numerics, another language, no random numbers.

Errors of an arm in one minute are Poisson. Of every pair (errors of the candidate, errors of the
baseline) that is still undecided the probability is carried from minute to minute; what reaches a
pair whose e-value is 1/alpha or more has failed. The e-value is integrated numerically from its
definition, where the judge has a continued fraction. The split of the requests is taken to be what
it should be; the judge only has the one it observes."""

import math

import numpy

NODES = 4000
NEGLIGIBLE = 1e-13


class Model:
    def __init__(self, alpha, ratio, minutes):
        """Arms of equal weight."""
        self.minutes = minutes
        self.log_needed = math.log(1 / alpha)
        threshold = ratio / (ratio + 1)
        shares = threshold + (1 - threshold) * (numpy.arange(NODES) + 0.5) / NODES
        self.hit = numpy.log(shares / threshold)
        self.miss = numpy.log((1 - shares) / (1 - threshold))
        self.boundary = []

    def log_evidence(self, errors, baseline_errors):
        """The mean likelihood ratio over all shares above the threshold."""
        logs = errors * self.hit + baseline_errors * self.miss
        highest = logs.max()
        return highest + math.log(numpy.exp(logs - highest).mean())

    def failing(self, baseline_errors):
        """The fewest errors of the candidate that fail it, against so many of the baseline."""
        while len(self.boundary) <= baseline_errors:
            errors = self.boundary[-1] if self.boundary else 0
            while self.log_evidence(errors, len(self.boundary)) < self.log_needed:
                errors += 1
            self.boundary.append(errors)
        return self.boundary[baseline_errors]

    def failed(self, candidate_errors, baseline_errors):
        """The probability to have failed by each minute; the means are errors a minute."""
        total = baseline_errors * self.minutes
        most = int(total + 12 * math.sqrt(total) + 30)
        alive_below = numpy.array([self.failing(count) for count in range(most + 1)])
        size = alive_below[-1]
        undecided = numpy.arange(size)[:, None] < alive_below[None, :]
        candidate, baseline = steps(candidate_errors, size), steps(baseline_errors, most + 1)
        mass = numpy.zeros((size, most + 1))
        mass[0, 0] = 1
        found = []
        for _ in range(self.minutes):
            mass = (candidate @ mass @ baseline.T) * undecided
            found.append(1 - mass.sum())
            if mass.sum() < NEGLIGIBLE:
                break
        return found + [1.0] * (self.minutes - len(found))


def steps(mean, size):
    """The matrix that adds one minute's errors."""
    counts = numpy.arange(size)
    factorials = numpy.array([math.lgamma(count + 1) for count in range(size)])
    pmf = numpy.exp(counts * math.log(mean) - mean - factorials)
    distance = counts[:, None] - counts[None, :]
    return numpy.where(distance >= 0, pmf[numpy.abs(distance)], 0)
