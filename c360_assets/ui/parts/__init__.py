"""What pages are made of: figures, tables, charts, states."""
