"""The demo's source database: Airbnb's "new user bookings" tables as Kaggle published them, generated or loaded."""
