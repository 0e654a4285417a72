"""Programs that are not ours accept what we write: what they cannot be asked, because they are missing, is skipped."""
