/** Not written yet. */
