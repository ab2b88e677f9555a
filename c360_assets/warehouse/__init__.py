"""The engine seam: transactions, replacing tables, swapping partitions, publishing, SQL files."""
