"""What pages show, as plain values; nothing here knows how it is shown."""
