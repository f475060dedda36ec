"""Parts that all pages for people share: templates, assets, headers, forms, visits of browsers, error pages."""
