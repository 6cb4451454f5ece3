REVOKE SELECT ON {{ table }} FROM {{ grantee }}
