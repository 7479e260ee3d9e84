"""Joint statistics of complex wavelet coefficients: the default texture loss."""
