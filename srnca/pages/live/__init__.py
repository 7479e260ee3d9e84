"""`srnca page`: one HTML file that runs a rule, with its equations, in any browser that has WebGL2."""
