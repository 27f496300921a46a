"""A cluster of one node on this very host: kubeadm, Debian's containerd, and nothing that outlives `down`."""
