"""The demo county: invented people and the files that they would upload."""
