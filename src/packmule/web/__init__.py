"""HTTP: the API, the downloads, the page. What it promises stands in docs/openapi.json."""
