// Without validatorUrl: null, Swagger UI would send the description's address to validator.swagger.io.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
