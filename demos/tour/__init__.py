"""The lecture as one page: `run` starts the demo of every section, `page` writes HTML, `lecture` is the text."""
