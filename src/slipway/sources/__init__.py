"""What a monorepo's sources say about variables: who reads which, where, with which default. Reads files, acts on nothing."""
