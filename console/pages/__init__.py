"""The pages that people log in to: server-rendered, readable without JavaScript, one module for each noun."""
