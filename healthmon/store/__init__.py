"""The only SQL there is. Rows never leave this folder: values of healthmon/model go in and come out."""
