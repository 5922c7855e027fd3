"""What changes keys: data keys are made, replaced and wrapped anew; wrapping keys are made and forgotten."""
