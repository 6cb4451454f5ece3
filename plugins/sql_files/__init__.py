"""SQL files that begin with front matter."""
