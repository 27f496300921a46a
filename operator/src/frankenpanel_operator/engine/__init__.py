"""The queue and the loop that turn keys into reconciles, one at a time per object; knows no Kubernetes."""
