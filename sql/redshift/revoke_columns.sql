REVOKE SELECT ({{ columns }}) ON {{ table }} FROM {{ grantee }}
