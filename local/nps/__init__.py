"""The demo's production MySQL: sixty days of NPS answers, two tables of every type, and three days of changes."""
