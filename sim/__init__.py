"""The simulator: parties that call, answer, flood and misbehave, and what they measured."""
