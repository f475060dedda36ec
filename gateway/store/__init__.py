"""Tables, repositories, migrations, message journal. Repositories are plain functions over a Connection."""
