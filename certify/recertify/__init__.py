"""The life of a certificate: how it stands today, when it is due, and who hears of its renewal."""
