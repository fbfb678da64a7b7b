"""`certify doctor`: is this machine and this setup fit to certify?"""
