"""The stage on which built images are tried: opened, asked, broken, stopped, taken away."""
