package main

// The object stores that a state can be kept in: S3 and what speaks its protocol.
// Google Cloud Storage and Azure come with the build tag clouds (drivers_clouds.go),
// as their libraries double the size of the program.
import _ "gocloud.dev/blob/s3blob"
