"""The networks that turn an image into features at strides 8, 16 and 32."""
