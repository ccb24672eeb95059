"""Rules over what the monorepo's sources say about variables, held against one environment's configuration."""
