"""Rate limiting: who asks (`callers`), and whether they may (`buckets`)."""
