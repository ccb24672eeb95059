"""What a monorepo's sources say about variables: who reads which, where, with which default. Acts on nothing."""
