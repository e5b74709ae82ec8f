"""The figures of the table, a file each: `run(arguments, say)` gives its rows."""
