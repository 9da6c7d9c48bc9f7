"""Parameters by path: one for each model, overwritten as models follow one another."""

import boto3

from tests.embedded_aws.sagemaker_account import Account, refused

PATH = "/stationkeeper/house-prices"


def test_parameters_are_put_overwritten_and_found_by_path(account: Account) -> None:
    ssm = boto3.client("ssm")
    houston = {"Name": f"{PATH}/Houston_TX", "Type": "String", "Tier": "Intelligent-Tiering"}

    first = ssm.put_parameter(**houston, Value="Houston_TX/1.tar.gz")["Version"]
    with refused("already exists", "ParameterAlreadyExists"):
        ssm.put_parameter(**houston, Value="Houston_TX/2.tar.gz")
    second = ssm.put_parameter(**houston, Value="Houston_TX/2.tar.gz", Overwrite=True)["Version"]
    for number in range(11):
        ssm.put_parameter(Name=f"{PATH}/region-{number}", Value="x", Type="String")
    ssm.put_parameter(Name="/stationkeeper/others/Houston_TX", Value="x", Type="String")

    assert (first, second) == (1, 2)
    found = ssm.get_parameter(Name=houston["Name"])["Parameter"]
    assert (found["Value"], found["Version"]) == ("Houston_TX/2.tar.gz", 2)
    pages = list(ssm.get_paginator("get_parameters_by_path").paginate(Path=PATH))
    names = [parameter["Name"] for page in pages for parameter in page["Parameters"]]
    assert len(pages) == 2  # ten at once are all the service gives
    assert sorted(names) == sorted([houston["Name"], *(f"{PATH}/region-{number}" for number in range(11))])
    with refused("not found", "ParameterNotFound"):
        ssm.get_parameter(Name=f"{PATH}/Nowhere")
