"""Speed as ratios in one run (`make bench`): no thresholds, no absolute promises. Never part of the tests."""
