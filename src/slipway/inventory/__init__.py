"""What an image consists of, package by package, and what is known to be wrong with it: values and their readers."""
