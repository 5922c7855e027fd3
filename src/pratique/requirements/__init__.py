"""An institution's requirements as published, versioned data, and their translation into rules."""
