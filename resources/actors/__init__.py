"""Actors: what is known of one, its versions with their sources, and its environment variables.

Whether an Actor is public is a field of it like its title, but decides who may read it: to change that
takes MANAGE_ACCESS_RIGHTS, in the console and in the API, where WRITE is enough for all else.
"""
