"""The month's notice (考核通报): as a workbook that recomputes itself, as PDF, as Word document and as CSV."""
