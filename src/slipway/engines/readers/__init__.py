"""The programs that read env files, asked as they are: one file each, in a process of its own."""
