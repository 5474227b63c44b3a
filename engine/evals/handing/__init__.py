"""Results handed to other tools and other people.

tables   CSV and Parquet, a row per result       junit   JUnit XML, for CI
page     one HTML file with charts, for reading  files   the results of a run into a file
         (charts, cases_page and style are its parts)
"""
