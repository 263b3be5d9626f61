"""What results were made from: revisions, why a stage runs again, running a commit again elsewhere."""
