"""The disposable host on which production is rehearsed."""
