GRANT SELECT ON {{ view }} TO {{ grantee }}
