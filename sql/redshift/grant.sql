GRANT SELECT ({{ columns }}) ON {{ table }} TO {{ grantee }}
