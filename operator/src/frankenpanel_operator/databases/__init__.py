"""Talks to MariaDB and MySQL servers; statements are built in one place."""
