"""Whether training learns: small networks from random weights on real photographs and micrographs, on a CPU."""
