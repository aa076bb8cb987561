"""Secret input fields: encrypted where they are stored, in the format that the SDKs of Apify decrypt by themselves."""
