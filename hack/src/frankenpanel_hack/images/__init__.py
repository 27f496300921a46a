"""Container images: what they are made of, and the engines that build them."""
