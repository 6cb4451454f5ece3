COPY {{ stage }}{{ columns }}
FROM {{ url }}
{{ authorization }}
{{ options }}
